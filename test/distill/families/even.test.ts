import { testFamilies } from "./matrix.js";
import { STUDENTS } from "./students.js";

// Two files, so that two processes share the matrix.
testFamilies(STUDENTS.filter((_, i) => i % 2 === 0));
