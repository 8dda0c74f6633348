"""Where ranks and driver meet: the server in the driver, its client in each rank."""
