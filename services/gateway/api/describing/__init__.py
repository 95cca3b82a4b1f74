"""What the documents say of each member of each record: a sentence, an example, and the words it knows."""
