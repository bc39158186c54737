// A washer.
difference() {
  cylinder(d = 20, h = 3);
  cylinder(d = 8, h = 10, center = true);
}
