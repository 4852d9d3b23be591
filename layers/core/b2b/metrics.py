"""Figures for CloudWatch: lines in the embedded metric format on standard output, by way of the log."""

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "B2B"


def count(service: str, **figures: int) -> None:
    """One line with the figures, under the dimension ``service``. Names are the metrics' own: ``SeatDrift=3``."""
    metrics = EphemeralMetrics(namespace=NAMESPACE, service=service)
    for name, value in figures.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.flush_metrics()
