"""Services: intake, dispatcher, projector, janitor, command line. They meet on the wire and never import each other."""
