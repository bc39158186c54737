# SPDX-License-Identifier: AGPL-3.0-or-later
import re
from pathlib import Path

import cadquery
from drawing_aids import export

REFERENCE = """#9001=DOCUMENT_FILE('leg.step','','',#9002,'',$);
#9002=DOCUMENT_TYPE('geometry');
#9003=IDENTIFICATION_ROLE('external document id and location',$);
#9004=EXTERNAL_SOURCE(IDENTIFIER(''));
#9005=APPLIED_EXTERNAL_IDENTIFICATION_ASSIGNMENT('leg.step',#9003,#9004,(#9001));
#9006=APPLIED_DOCUMENT_REFERENCE(#9001,'',(PRODUCT));
"""


def draw(folder: Path) -> None:
    export(cadquery.Workplane().box(60, 40, 25), folder / "whole.step")
    text = (folder / "whole.step").read_text(encoding="utf-8")
    product = re.search(r"(#\d+) = PRODUCT_DEFINITION\(", text)
    assert product
    head, end = text.rsplit("ENDSEC;", 1)
    told = head + REFERENCE.replace("PRODUCT)", product[1] + ")") + "ENDSEC;" + end
    (folder / "stool.step").write_text(told, encoding="utf-8")
