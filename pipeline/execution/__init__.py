"""A plan → a complete output, on Ray: session, reservation, rounds, isolated workers, stop."""
