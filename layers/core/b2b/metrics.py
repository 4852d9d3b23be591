"""Figures for CloudWatch: lines in the embedded metric format on standard output, by way of the log."""

import os

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

_DEFAULT_NAMESPACE = "B2B"


def count(service: str, **figures: int) -> None:
    """One line with the figures, under the dimension ``service``. Names are the metrics' own: ``CounterDrift=3``.

    The namespace is POWERTOOLS_METRICS_NAMESPACE, so that the schools of one account are kept apart.
    """
    namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", _DEFAULT_NAMESPACE)
    metrics = EphemeralMetrics(namespace=namespace, service=service)
    for name, value in figures.items():
        metrics.add_metric(name, MetricUnit.Count, value)
    metrics.flush_metrics()
