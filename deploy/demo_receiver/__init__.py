"""A small stand-in for an authority's own system: takes pushes, checks them, and signs for them."""
