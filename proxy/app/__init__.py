"""The composition root: builds, starts and stops every part, in order. Alone knows them all; decides nothing else."""
