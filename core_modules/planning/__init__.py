"""The parts behind `order_planning`: files, shared limits, classes, profiles, records."""
