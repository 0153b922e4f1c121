"""Input URI → files, footers, schema check → units; the columns of a file → records."""
