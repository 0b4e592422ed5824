"""Intake: takes registrations in over HTTP and answers 202 once media and record are durable."""
