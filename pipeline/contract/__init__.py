"""What passes between stages and reaches readers: column names and types, units, JSON records."""
