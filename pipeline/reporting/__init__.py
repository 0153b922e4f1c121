"""What happened in a run: run report, summary, logs, lineage, progress; page/ → report.html."""
