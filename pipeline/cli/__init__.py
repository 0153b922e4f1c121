"""One Typer app, a module a command; what a command raises → one sentence and an exit code."""
