"""What a block goes through: read → identify → tokenize → annotate; each adds columns."""
