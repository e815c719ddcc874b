"""Behind `replenishment_policies` and `verify`: exact optima and the formulae of the textbooks."""
