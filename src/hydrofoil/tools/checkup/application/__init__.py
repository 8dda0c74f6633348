"""What runs outside of the doctor's own process: the driver and the tasks of its small job."""
