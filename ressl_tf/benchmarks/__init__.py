"""How fast the parts are, as ratios within one run."""
