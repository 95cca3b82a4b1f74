"""Reference data and pure look-ups in it: authorities, postcodes, police areas, working days, number formats."""
