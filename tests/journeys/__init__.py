"""What the tests of journeys share: made-up years, the real models run over them, and an oracle in plain Python."""
