//! Labs: tasks with checks that observe a world, variation per student, permissions.
