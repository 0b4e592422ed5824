"""ONNX in, numpy out: the four models of the check. Knows no Kafka and no Celery."""
