# SPDX-License-Identifier: AGPL-3.0-or-later
"""An SPDX expression as the choices it leaves: each choice a set of licences that all apply."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

from license_expression import ExpressionError, ExpressionParseError, Licensing

UNREADABLE = (ExpressionError, ExpressionParseError, AssertionError, AttributeError, IndexError, RecursionError, TypeError, ValueError)
"""What the library raises at what is no expression: the first two by design, the others at "(AND 0", "MIT AND", "()" and the like."""

MOST_CHOICES = 64
"""More choices than this are nobody's licence, but "(a OR b) AND (c OR d) AND …" doubles with every pair."""


@dataclass(frozen=True)
class Licence:
    """One licence of an expression. `exception` is what stands behind WITH, or empty."""

    identifier: str
    exception: str = ""

    def __str__(self) -> str:
        return f"{self.identifier} WITH {self.exception}" if self.exception else self.identifier


def branches(expression: str) -> tuple[tuple[Licence, ...], ...]:
    """The choices of `expression`, each with the licences that apply together; none where it cannot be read as an expression.

    "MIT OR (Apache-2.0 AND CC0-1.0)" has two: (MIT) and (Apache-2.0, CC0-1.0). Whether SPDX knows the licences is not looked at.
    """
    try:
        parsed = Licensing().parse(expression)
    except UNREADABLE:
        return ()
    return tuple(tuple(dict.fromkeys(choice)) for choice in _choices(parsed)) if parsed is not None else ()


def _choices(node: Any) -> list[tuple[Licence, ...]]:
    if hasattr(node, "exception_symbol"):
        return [(Licence(node.license_symbol.key, node.exception_symbol.key),)]
    if not getattr(node, "args", ()):
        return [(Licence(node.key),)]
    each = [_choices(argument) for argument in node.args]
    if node.operator.strip() == "OR":
        return [choice for some in each for choice in some][: MOST_CHOICES + 1]
    size = 1
    for some in each:
        size *= len(some)
    if size > MOST_CHOICES:
        return []
    return [tuple(licence for choice in choices for licence in choice) for choices in product(*each)]
