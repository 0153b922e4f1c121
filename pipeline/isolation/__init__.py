"""A unit that fails with others → the rows that do harm, found by bisection."""
