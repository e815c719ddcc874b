"""Behind `sales_history`: wrong files refused, four formats read, one frame made of them."""
