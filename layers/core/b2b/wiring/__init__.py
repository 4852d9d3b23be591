"""Where concrete things meet: clients, table, queues, services. Only here is the environment read."""
