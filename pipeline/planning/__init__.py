"""Settings and a corpus → job, plan and estimate. Needs neither Ray nor torch."""
