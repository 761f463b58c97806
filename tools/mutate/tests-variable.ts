/** The variable with the tests of the area, one glob after another. */
export const MUTATED_TESTS = 'MUTATED_TESTS';
