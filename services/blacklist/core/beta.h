#pragma once
/*
 * The Beta distribution: how sure a share is that was counted.
 */

/** I_x(a, b), the share of Beta(a, b) below x. a, b > 0, x from 0 to 1. */
double bl_beta_below(double a, double b, double x);

/** The x with bl_beta_below(a, b, x) = p, to 1e-15 of x. */
double bl_beta_quantile(double a, double b, double p);
