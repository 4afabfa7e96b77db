"""The ways to devices: the only importers of vendor protocol libraries. Each maps every vendor error to ours."""
