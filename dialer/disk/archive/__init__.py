"""The archive of calls: Parquet files by day, and the views that are read. duckdb is used here and nowhere else."""
