"""What Celery's workers are to do; found by `dagster_celery.app` on the PYTHONPATH.

The addresses of the broker and the result backend have passwords: Celery itself reads CELERY_BROKER_URL and
CELERY_RESULT_BACKEND from the environment, and no file has them.
"""

task_acks_late = True
"""A task is confirmed when it has ended, so that RabbitMQ hands out again what a dead worker had."""
task_reject_on_worker_lost = True
worker_prefetch_multiplier = 1
"""A worker takes no task for which it has no free slot."""
broker_heartbeat = 10
broker_connection_retry_on_startup = True
imports = ("b24_pipeline.definitions",)
"""Loaded once, before the slots are forked."""
worker_hijack_root_logger = False
worker_redirect_stdouts = False
