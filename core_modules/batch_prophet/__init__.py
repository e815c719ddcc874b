"""Prophet's MAP estimate for many series at once; `fitting` is the way in, Prophet the referee."""
