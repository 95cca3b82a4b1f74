"""Reading a case: who has which part in it, what each is shown, and that every look is on the record first."""
