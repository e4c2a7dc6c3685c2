/* Tests of the core use the test devices alone, whatever this machine has. */
#ifndef MINIAV_TEST_SUPPORT_TEST_BACKENDS_H
#define MINIAV_TEST_SUPPORT_TEST_BACKENDS_H

/* Turns the test devices on and every other backend off. The first line of main. */
void use_test_backends(void);

#endif
