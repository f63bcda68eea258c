"""What costs what: a function by the number of incidents, an edit by hand from the click on; a command each."""
