"""One file for each algorithm: its rows, WORKLOADS, and the laws of their data."""
