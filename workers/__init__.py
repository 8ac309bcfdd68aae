"""Training: the Celery worker, the training process that it starts for each job, and the trainer within."""
