"""What makes each rule of ``shared/reference/data/rules.csv`` speak: a small pure function of the same id."""
