"""Where experiments' sums and results are kept, and how they are read; no numeric library is needed for it."""

TABLE = "measurement.experiment_results"
OUTCOMES_SQL = "select * from measurement.experiment_outcomes order by campaign, metric, arm"
RESULTS_SQL = f"select * from {TABLE} order by campaign, variant = 'all', variant, metric"
