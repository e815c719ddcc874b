"""Behind `visualization_dashboard`: what a report shows, drawn and worded."""
