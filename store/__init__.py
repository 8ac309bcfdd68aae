"""The records that the service and its workers share: jobs, their events, trained checkpoints, aliases."""
