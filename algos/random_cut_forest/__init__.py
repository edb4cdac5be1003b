"""Random cut forest: anomaly scores of rows and streams, with their reasons."""
