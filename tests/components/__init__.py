"""Tests against real system software on loopback; they need root and what ``packages.txt`` lists."""
