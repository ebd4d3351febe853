// Hand-written limits on a GPU: RK4 with one trajectory in each thread, state in registers, means reduced within the block.
// Compiled with -DR=float, or -DR=double -DDOUBLE. The sine is the polynomial of limits.c; -DFAST takes the hardware's.
#ifdef DOUBLE
#define LARGE 6755399441055744.0
#define SIGNED(x, n) __longlong_as_double(__double_as_longlong(x) ^ (__double_as_longlong(n) << 63))
#define PI_1 3.14159265358979312
#define PI_2 1.2246467991473532e-16
__device__ const int SIN_TERMS = 8;
__device__ const R sin_terms[] = {-0.16666666666666664544,  0.0083333333333331133943, -0.00019841269841185761145, 2.7557319207754806224e-6,
                                  -2.5052106603818101169e-8, 1.605892769879669012e-10, -7.6427094161630554953e-13, 2.718459897758878831e-15};
#else
#define LARGE 12582912.0f
#define SIGNED(x, n) __int_as_float(__float_as_int(x) ^ (__float_as_int(n) << 31))
#define PI_1 3.14159274101257324f
#define PI_2 -8.74227765734758577e-8f
__device__ const int SIN_TERMS = 4;
__device__ const R sin_terms[] = {-0.16666657082122416f, 0.0083330169362223682f, -0.00019806589198251515f, 2.5999965239553785e-6f};
#endif

__device__ __forceinline__ R sine(R x) { // x = n pi + r: the fused multiply-add makes the first difference exact
  R sum = fma(x, (R)0.318309886183790671538, LARGE), n = sum - LARGE; // n in the low bits: faster than to round and convert
  R r = fma(n, (R)-PI_2, fma(n, (R)-PI_1, x));
#if defined(FAST) && !defined(DOUBLE)
  R value = __sinf(r);
#else
  R s = r * r, p = sin_terms[SIN_TERMS - 1];
#pragma unroll
  for (int i = SIN_TERMS - 2; i >= 0; i--) p = p * s + sin_terms[i];
  R value = p * s * r + r;
#endif
  return SIGNED(value, sum);
}
#define SIN(x) sine(x)

// Adds the block's values of three means to frames[3]; called by whole blocks.
__device__ __forceinline__ void add_up(R a, R b, R c, double *frames) {
  __shared__ double part[3][32];
  double sums[3] = {(double)a, (double)b, (double)c};
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  for (int i = 0; i < 3; i++) {
    for (int d = 16; d > 0; d >>= 1) sums[i] += __shfl_down_sync(0xffffffffu, sums[i], d);
    if (lane == 0) part[i][warp] = sums[i];
  }
  __syncthreads();
  if (threadIdx.x < 3) {
    double total = 0;
    for (int w = 0; w < (blockDim.x + 31) / 32; w++) total += part[threadIdx.x][w];
    atomicAdd(frames + threadIdx.x, total);
  }
  __syncthreads();
}

// p: dt, push a e [3], c01 c02 c10 c12 c20 c21, amplitudes [3]; components (y..., u...) in the units of numbers.py
__device__ __forceinline__ void rates_w1(const R *p, const R *z, R *d) {
  R a = SIN(z[3]), b = SIN(z[4]), g = SIN(z[5]);
  d[0] = a, d[1] = b, d[2] = g;
  d[3] = p[1] + p[4] * b + p[5] * g, d[4] = p[2] + p[6] * a + p[7] * g, d[5] = p[3] + p[8] * a + p[9] * b;
}
__device__ __forceinline__ void seen_w1(const R *p, const R *z, R *o) {
  for (int i = 0; i < 3; i++) o[i] = p[10 + i] * SIN(z[3 + i]);
}

// p: dt, sigma, beta; z[3]: rho
__device__ __forceinline__ void rates_lorenz(const R *p, const R *z, R *d) {
  d[0] = p[1] * (z[1] - z[0]), d[1] = z[0] * (z[3] - z[2]) - z[1], d[2] = z[0] * z[1] - p[2] * z[2];
}
__device__ __forceinline__ void seen_lorenz(const R *p, const R *z, R *o) {
  for (int i = 0; i < 3; i++) o[i] = z[i];
}

#define LIMIT(CASE, M, K, P)                                                                                       \
  extern "C" __global__ void __launch_bounds__(256)                                                                \
      CASE(const R *constants, const R *scale, const R *in, R *out, long long n, int steps, int every, double *frames) { \
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;                                                \
    bool real = i < n;                                                                                             \
    long long at_ = real ? i : n - 1;                                                                              \
    R p[P], z[M + K], at[M + K], k[M], sum[M], o[3];                                                               \
    for (int j = 0; j < P; j++) p[j] = constants[j];                                                               \
    for (int j = 0; j < M + K; j++) z[j] = in[j * n + at_] * scale[j], at[j] = z[j];                               \
    R h = p[0], half = h / 2, sixth = h / 6;                                                                       \
    for (int f = 0; f < steps / every; f++) {                                                                      \
      _Pragma("unroll 1") for (int s = 0; s < every; s++) {                                                                            \
        rates_##CASE(p, z, k);                                                                                     \
        for (int j = 0; j < M; j++) sum[j] = k[j], at[j] = z[j] + half * k[j];                                     \
        rates_##CASE(p, at, k);                                                                                    \
        for (int j = 0; j < M; j++) sum[j] += 2 * k[j], at[j] = z[j] + half * k[j];                                \
        rates_##CASE(p, at, k);                                                                                    \
        for (int j = 0; j < M; j++) sum[j] += 2 * k[j], at[j] = z[j] + h * k[j];                                   \
        rates_##CASE(p, at, k);                                                                                    \
        for (int j = 0; j < M; j++) z[j] += sixth * (sum[j] + k[j]);                                               \
      }                                                                                                            \
      seen_##CASE(p, z, o);                                                                                        \
      add_up(real ? o[0] : 0, real ? o[1] : 0, real ? o[2] : 0, frames + 3 * f);                                   \
    }                                                                                                              \
    if (real)                                                                                                      \
      for (int j = 0; j < M + K; j++) out[j * n + i] = z[j] / scale[j];                                            \
  }

LIMIT(w1, 6, 0, 13)
LIMIT(lorenz, 3, 1, 3)

extern "C" __global__ void copy(const R *x, R *y, long long n) { // bytes
  long long stride = (long long)gridDim.x * blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) y[i] = x[i];
}

extern "C" __global__ void multiply_add(R *y, int rounds) { // flops = 16 * rounds * threads
  R a[8];
  for (int j = 0; j < 8; j++) a[j] = threadIdx.x + j;
  for (int i = 0; i < rounds; i++)
    for (int j = 0; j < 8; j++) a[j] = a[j] * (R)0.999 + (R)0.001;
  R total = 0;
  for (int j = 0; j < 8; j++) total += a[j];
  y[blockIdx.x * (long long)blockDim.x + threadIdx.x] = total;
}
