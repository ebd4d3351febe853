// One precision of every limit, included twice by limits.c. R: scalar, V: vector, VI: unsigned lanes, W: lanes, FN(x): suffixed name.

#define SPLAT(x) ((V){0} + (R)(x))

// The rounded quotient and its parity come from one addition of 1.5 * 2^(mantissa bits): the low bits of the sum are the integer.
// After this, x = n pi + r with |r| <= pi/2, and sin x = (-1)^n sin r. NaN and inf come out as NaN.
static inline V FN(odd)(V r) { // minimax of sin on [-pi/2, pi/2], absolute error below half a unit in the last place of 1
  V s = r * r, p = SPLAT(SIN_TOP);
  for (int i = SIN_TERMS - 2; i >= 0; i--) p = p * s + SPLAT(FN(sin_terms)[i]);
  return p * s * r + r;
}

static inline V FN(flip)(V p, V shifted) { return (V)((VI)p ^ ((VI)shifted << (8 * sizeof(R) - 1))); }

static inline V FN(reduce)(V x, V n) {
  V r = x - n * SPLAT(PI_1);
  r = r - n * SPLAT(PI_2);
  if (PI_3 != 0) r = r - n * SPLAT(PI_3);
  return r;
}

static inline V FN(sine)(V x) {
  V shifted = x * SPLAT(0.318309886183790671538) + SPLAT(MAGIC);
  return FN(flip)(FN(odd)(FN(reduce)(x, shifted - SPLAT(MAGIC))), shifted);
}

static inline V FN(cosine)(V x) { // x = (n - 1/2) pi + r: cos x = (-1)^n sin r
  V shifted = (x * SPLAT(0.318309886183790671538) + SPLAT(0.5)) + SPLAT(MAGIC);
  return FN(flip)(FN(odd)(FN(reduce)(x, shifted - SPLAT(MAGIC) - SPLAT(0.5))), shifted);
}

static inline V FN(half_turns)(V x) { // sin(pi x): the reduction is exact and costs one subtraction
  V shifted = x + SPLAT(MAGIC);
  V r = x - (shifted - SPLAT(MAGIC)), s = r * r, p = SPLAT(TURN_TOP);
  for (int i = TURN_TERMS - 2; i >= 0; i--) p = p * s + SPLAT(FN(turn_terms)[i]);
  return FN(flip)(p * r, shifted);
}

static inline V FN(inverse_root)(V x) {
#ifdef FAST_ROOT
  V y = APPROXIMATE_RSQRT(x);
  for (int i = 0; i < RSQRT_STEPS; i++) y = y + y * (SPLAT(0.5) - SPLAT(0.5) * x * y * y);
  return y;
#else
  return SPLAT(1) / ROOT(x);
#endif
}

// -- rates of one vector of trajectories. c: constants in the order of constants.py; e: the drive at this time; d: rates; o: what is
// -- averaged. Positions are in units that make their rates free of constants (`scale` of constants.py).

// k in radians, or in half-turns
#define W1(NAME, SINE) \
  static inline void FN(rates_##NAME)(const V *c, V e, const V *z, V *d) { \
    V a = FN(SINE)(z[3]), b = FN(SINE)(z[4]), g = FN(SINE)(z[5]); \
    d[0] = a, d[1] = b, d[2] = g; \
    d[3] = c[0] + c[3] * b + c[4] * g, d[4] = c[1] + c[5] * a + c[6] * g, d[5] = c[2] + c[7] * a + c[8] * b; \
  } \
  static inline void FN(seen_##NAME)(const V *c, V e, const V *z, V *o) { \
    for (int i = 0; i < 3; i++) o[i] = c[9 + i] * FN(SINE)(z[3 + i]); \
  }
W1(w1, sine)
W1(w1_turns, half_turns)
#undef W1

static inline void FN(pushed)(const V *c, const V *w, V *d) { // d = push + w x b, c: push [3], b [3]
  d[0] = c[0] + w[1] * c[5] - w[2] * c[4], d[1] = c[1] + w[2] * c[3] - w[0] * c[5], d[2] = c[2] + w[0] * c[4] - w[1] * c[3];
}

static inline void FN(rates_parabolic)(const V *c, V e, const V *z, V *d) {
  d[0] = z[3], d[1] = z[4], d[2] = z[5];
  FN(pushed)(c, d, d + 3);
}
static inline void FN(seen_parabolic)(const V *c, V e, const V *z, V *o) {
  for (int i = 0; i < 3; i++) o[i] = c[6] * z[3 + i];
}

static inline void FN(rates_kane)(const V *c, V e, const V *z, V *d) {
  V k2 = z[3] * z[3] + z[4] * z[4] + z[5] * z[5], inverse = FN(inverse_root)(SPLAT(1) + c[7] * k2);
  d[0] = z[3] * inverse, d[1] = z[4] * inverse, d[2] = z[5] * inverse;
  FN(pushed)(c, d, d + 3);
}
static inline void FN(seen_kane)(const V *c, V e, const V *z, V *o) {
  V d[6];
  FN(rates_kane)(c, e, z, d);
  for (int i = 0; i < 3; i++) o[i] = c[6] * d[i];
}

static inline void FN(rates_warped)(const V *c, V e, const V *z, V *d) { // c[7]: 2A, c[8]: B^2, c[9]: C^2, c[10]: 2B^2 + C^2
  V x = z[3] * z[3], y = z[4] * z[4], w = z[5] * z[5], k2 = x + y + w;
  V under = c[8] * k2 * k2 + c[9] * (x * y + w * (x + y)), inverse = FN(inverse_root)(under), lead = c[10] * k2;
  d[0] = (c[7] - (lead - c[9] * x) * inverse) * z[3];
  d[1] = (c[7] - (lead - c[9] * y) * inverse) * z[4];
  d[2] = (c[7] - (lead - c[9] * w) * inverse) * z[5];
  FN(pushed)(c, d, d + 3);
}
static inline void FN(seen_warped)(const V *c, V e, const V *z, V *o) {
  V d[6];
  FN(rates_warped)(c, e, z, d);
  for (int i = 0; i < 3; i++) o[i] = c[6] * d[i];
}

static inline void FN(rates_superlattice)(const V *c, V e, const V *z, V *d) {
  V s = FN(sine)(z[5]);
  d[0] = z[3], d[1] = z[4], d[2] = s;
  d[3] = c[0] * s, d[4] = c[1] * s, d[5] = e + c[2] * z[3] + c[3] * z[4];
}
static inline void FN(seen_superlattice)(const V *c, V e, const V *z, V *o) {
  o[0] = c[4] * z[3], o[1] = c[4] * z[4], o[2] = c[5] * FN(sine)(z[5]);
}

static inline void FN(rates_graphene)(const V *c, V e, const V *z, V *d) {
  V sx = FN(sine)(z[2]), cx = FN(cosine)(z[2]), sy = FN(sine)(z[3]), cy = FN(cosine)(z[3]);
  V inverse = FN(inverse_root)((cx + cx + cy) * (cx + cx + cy) + sy * sy);
  d[0] = sx * (cx + cx + cy) * inverse, d[1] = cx * sy * inverse;
  d[2] = c[0] + c[2] * d[1], d[3] = c[1] + c[3] * d[0];
}
static inline void FN(seen_graphene)(const V *c, V e, const V *z, V *o) {
  V d[4];
  FN(rates_graphene)(c, e, z, d);
  o[0] = c[4] * d[0], o[1] = c[5] * d[1];
}

static inline void FN(rates_dirac)(const V *c, V e, const V *z, V *d) { // c: push [2], b, gap^2/4, (hv)^2, Omega e^3, slope, moment
  V inverse = FN(inverse_root)(c[3] + c[4] * (z[2] * z[2] + z[3] * z[3])), cube = inverse * inverse * inverse;
  V curvature = c[5] * cube, factor = c[6] * inverse * (SPLAT(1) - c[7] * cube);
  V vx = factor * z[2], vy = factor * z[3], density = SPLAT(1) / (SPLAT(1) - c[2] * curvature);
  d[0] = (vx - c[1] * curvature) * density, d[1] = (vy + c[0] * curvature) * density;
  d[2] = (c[0] + c[2] * vy) * density, d[3] = (c[1] - c[2] * vx) * density;
}
static inline void FN(seen_dirac)(const V *c, V e, const V *z, V *o) {
  V d[4];
  FN(rates_dirac)(c, e, z, d);
  o[0] = d[0], o[1] = d[1];
}

// k in radians of X = sqrt(3) a kx/2 and Y: a ky/2 where the phases of all six neighbours are taken, as the model is written, 3 a ky/2
// where identities leave two. c: push [2], curvature's share [2], M, g, h, t^2, to velocities [2]
static inline void FN(rates_haldane)(const V *c, V e, const V *z, V *d) {
  V x = z[2], y = z[3], y3 = SPLAT(3) * y;
  V s1 = FN(sine)(y + y), c1 = FN(cosine)(y + y), s2 = -FN(sine)(x + y), c2 = FN(cosine)(x + y), s3 = FN(sine)(x - y), c3 = FN(cosine)(x - y);
  V u1 = -FN(sine)(x + x), w1 = FN(cosine)(x + x), u2 = FN(sine)(x - y3), w2 = FN(cosine)(x - y3), u3 = FN(sine)(x + y3), w3 = FN(cosine)(x + y3);
  V a = c1 + c2 + c3, b = -(s1 + s2 + s3), ax = s2 - s3, ay = s2 + s3 - (s1 + s1), bx = c2 - c3, by = c2 + c3 - (c1 + c1);
  V mx = w2 + w3 - (w1 + w1), my = SPLAT(3) * (w3 - w2), mass = c[4] + c[5] * (u1 + u2 + u3);
  V inverse = FN(inverse_root)(c[7] * (a * a + b * b) + mass * mass), lead = c[7] * inverse, turn = c[5] * mass * inverse;
  V triple = c[5] * (my * (a * bx - b * ax) + mx * (b * ay - a * by)) + mass * (ax * by - bx * ay);
  V share = triple * inverse * inverse * inverse;
  d[0] = c[6] * (u1 + u1 - u2 - u3) + lead * (a * ax + b * bx) + turn * mx + c[2] * share;
  d[1] = SPLAT(3) * c[6] * (u2 - u3) + lead * (a * ay + b * by) + turn * my + c[3] * share;
  d[2] = c[0], d[3] = c[1];
}
static inline void FN(seen_haldane)(const V *c, V e, const V *z, V *o) {
  V d[4];
  FN(rates_haldane)(c, e, z, d);
  o[0] = c[8] * d[0], o[1] = c[9] * d[1];
}

static inline void FN(rates_haldane_four)(const V *c, V e, const V *z, V *d) {
  V sx = FN(sine)(z[2]), cx = FN(cosine)(z[2]), sy = FN(sine)(z[3]), cy = FN(cosine)(z[3]), lean = cy - cx, across = sx * lean;
  V mass = c[4] + SPLAT(2) * c[5] * across, mx = SPLAT(2) * (sx * sx + cx * lean), whole = SPLAT(4) * cx * (cx + cy);
  V inverse = FN(inverse_root)(c[7] * (SPLAT(1) + whole) + mass * mass), lead = c[6] + c[7] * inverse, turn = c[5] * mass * inverse;
  V triple = c[5] * (SPLAT(12) * sx * sx * sy * sy - mx * (SPLAT(4) * cx * cx - SPLAT(2) - SPLAT(2) * cx * cy)) + SPLAT(4) * mass * across;
  V share = triple * inverse * inverse * inverse;
  d[0] = turn * mx - SPLAT(2) * lead * sx * (cx + cx + cy) + c[2] * share;
  d[1] = SPLAT(-2) * sy * (lead * cx + turn * sx) + c[3] * share;
  d[2] = c[0], d[3] = c[1];
}
static inline void FN(seen_haldane_four)(const V *c, V e, const V *z, V *o) {
  V d[4];
  FN(rates_haldane_four)(c, e, z, d);
  o[0] = c[8] * d[0], o[1] = c[9] * d[1];
}

static inline void FN(rates_potential)(const V *c, V e, const V *z, V *d) { // positions in radians of the potential
  d[0] = c[0] * z[3], d[1] = c[0] * z[4], d[2] = c[0] * z[5];
  d[3] = c[1] * FN(sine)(z[0]) + z[4] * c[4] - z[5] * c[3];
  d[4] = c[1] * FN(sine)(z[1]) + z[5] * c[2] - z[3] * c[4];
  d[5] = c[1] * FN(sine)(z[2]) + z[3] * c[3] - z[4] * c[2];
}
static inline void FN(seen_potential)(const V *c, V e, const V *z, V *o) {
  for (int i = 0; i < 3; i++) o[i] = c[5] * z[3 + i];
}

static inline void FN(rates_user)(const V *c, V e, const V *z, V *d) { // c[6]: 2 scale/hbar, M 7..12, R/hbar warp 13..18, R 19..24
  V x = c[7] * z[3] + c[8] * z[4] + c[9] * z[5], y = c[8] * z[3] + c[10] * z[4] + c[11] * z[5];
  V w = c[9] * z[3] + c[11] * z[4] + c[12] * z[5], lead = c[6] / (SPLAT(1) + z[3] * x + z[4] * y + z[5] * w);
  V s = FN(sine)(c[19] * z[3] + c[20] * z[4] + c[21] * z[5]), t = FN(sine)(c[22] * z[3] + c[23] * z[4] + c[24] * z[5]);
  d[0] = lead * x - c[13] * s - c[16] * t, d[1] = lead * y - c[14] * s - c[17] * t, d[2] = lead * w - c[15] * s - c[18] * t;
  FN(pushed)(c, d, d + 3);
}
static inline void FN(seen_user)(const V *c, V e, const V *z, V *o) {
  V d[6];
  FN(rates_user)(c, e, z, d);
  for (int i = 0; i < 3; i++) o[i] = d[i];
}

static inline void FN(rates_lorenz)(const V *c, V e, const V *z, V *d) { // z[3]: rho, a constant of each trajectory
  d[0] = c[0] * (z[1] - z[0]), d[1] = z[0] * (z[3] - z[2]) - z[1], d[2] = z[0] * z[1] - c[1] * z[2];
}
static inline void FN(seen_lorenz)(const V *c, V e, const V *z, V *o) {
  for (int i = 0; i < 3; i++) o[i] = z[i];
}

CASES // LIMIT(name, components, constants of each trajectory, means, constants), chosen when compiled

void FN(sines)(const R *x, R *s, R *c, long n) { // for the test of accuracy; n a multiple of the lanes
  for (long i = 0; i < n; i += W) {
    V a = *(const V *)(x + i);
    *(V *)(s + i) = FN(sine)(a), *(V *)(c + i) = FN(cosine)(a);
  }
}

void FN(copy)(const R *x, R *y, long n) { // a stream in and a stream out: bytes
  _Pragma("omp parallel for schedule(static)") for (long i = 0; i < n; i += W) *(V *)(y + i) = *(const V *)(x + i);
}

double FN(multiply_add)(long rounds) { // twelve independent chains: flops = 2 * 12 * lanes * rounds on every thread
  double total = 0;
  _Pragma("omp parallel reduction(+ : total)") {
    V m = SPLAT(0.999), b = SPLAT(0.001), a = SPLAT(0), c = a + b, d = c + b, e = d + b, f = e + b, g = f + b;
    V h = g + b, i = h + b, j = i + b, k = j + b, l = k + b, n = l + b; // names, not an array: an array would live in memory
    for (long round = 0; round < rounds; round++) {
      a = a * m + b, c = c * m + b, d = d * m + b, e = e * m + b, f = f * m + b, g = g * m + b;
      h = h * m + b, i = i * m + b, j = j * m + b, k = k * m + b, l = l * m + b, n = n * m + b;
    }
    total += (a + c + d + e + f + g + h + i + j + k + l + n)[0];
  }
  return total;
}
