"""What all benchmarks share, in the order in which one uses it.

``rounds``        named sides → their seconds, round by round, and ratios within a round
``sheet``         rows of text → a table for the terminal or for Markdown
``surroundings``  nothing → machine, versions, commit, command
``record``        figures with goals, sheets, surroundings → ``<name>.md`` and ``<name>.json``
``picture``       spreads → bars with whiskers and goal lines, as PNG

What holds: sides that are compared run in one process and in turns. Seconds differ from machine to
machine and from hour to hour; ratios within a round hold.
"""
