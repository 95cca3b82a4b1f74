"""What a decision means: reading it, judging it, routing it. Pure: values in, values out."""
