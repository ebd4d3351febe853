// Hand-written limits: RK4 with the state in registers (but for a few spills) and a polynomial sine, for vectors of BYTES bytes and UNROLL of them in flight.
// GCC's vector extension makes AVX-512 (64), AVX2 (32) and portable (16) code of one source. No fast-math: NaN stays NaN.
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef BYTES
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif
#endif
#ifndef UNROLL
#define UNROLL 2
#endif
#define GROUP 256 // trajectories whose sums stay in vectors; a multiple of UNROLL * 16

int limits_bytes(void) { return BYTES; }

#define ALL(i, count) _Pragma("GCC unroll 8") for (int i = 0; i < (count); i++)

// A step of RK4 for M rates and K constants of each trajectory; e: the drive at the step's start, middle and end.
#define STEP(CASE, M, K)                                                                                        \
  static inline void FN(step_##CASE)(const V *c, const R *e, V h, V half, V sixth, V *z) {                        \
    V k[M], sum[M], at[M + K];                                                                                    \
    V first = SPLAT(e[0]), middle = SPLAT(e[1]), last = SPLAT(e[2]);                                              \
    ALL(i, K) at[M + i] = z[M + i];                                                                               \
    FN(rates_##CASE)(c, first, z, k);                                                                             \
    ALL(i, M) sum[i] = k[i], at[i] = z[i] + half * k[i];                                                          \
    FN(rates_##CASE)(c, middle, at, k);                                                                           \
    ALL(i, M) sum[i] += SPLAT(2) * k[i], at[i] = z[i] + half * k[i];                                              \
    FN(rates_##CASE)(c, middle, at, k);                                                                           \
    ALL(i, M) sum[i] += SPLAT(2) * k[i], at[i] = z[i] + h * k[i];                                                 \
    FN(rates_##CASE)(c, last, at, k);                                                                             \
    ALL(i, M) z[i] += sixth * (sum[i] + k[i]);                                                                    \
  }

// p: dt, scale [M + K], constants [C]. drive [2 steps + 1]. in, out: [M + K] arrays, padded to a multiple of GROUP. frames
// [steps / every, O]: ensemble means after every `every` steps.
#define LIMIT(CASE, M, K, O, C)                                                                                 \
  STEP(CASE, M, K)                                                                                               \
  void FN(CASE)(const double *p, const R *drive, const R *const *in, R *const *out, long n, int steps, int every, double *frames) { \
    const int sums = steps / every * O;                                                                           \
    memset(frames, 0, sums * sizeof(double));                                                                     \
    _Pragma("omp parallel") {                                                                                     \
      V c[C], scale[M + K], h = SPLAT(p[0]), half = SPLAT(p[0] / 2), sixth = SPLAT(p[0] / 6), acc[sums];          \
      double total[sums];                                                                                         \
      memset(total, 0, sizeof total);                                                                             \
      for (int i = 0; i < M + K; i++) scale[i] = SPLAT(p[1 + i]);                                                 \
      for (int i = 0; i < C; i++) c[i] = SPLAT(p[1 + M + K + i]);                                                 \
      _Pragma("omp for schedule(static)") for (long group = 0; group < n; group += GROUP) {                       \
        memset(acc, 0, sizeof acc);                                                                               \
        for (long at = group; at < group + GROUP && at < n; at += W * UNROLL) {                                   \
          V z[UNROLL][M + K], here[UNROLL], o[O];                                                                 \
          ALL(u, UNROLL) {                                                                                        \
            ALL(i, M + K) z[u][i] = *(const V *)(in[i] + at + u * W) * scale[i];                                  \
            here[u] = SPLAT(0);                                                                                   \
            for (int l = 0; l < W; l++) here[u][l] = at + u * W + l < n;                                          \
          }                                                                                                       \
          for (int f = 0, s = 0; f < steps / every; f++) {                                                        \
            for (const int end = s + every; s < end; s++)                                                         \
              ALL(u, UNROLL) FN(step_##CASE)(c, drive + 2 * s, h, half, sixth, z[u]);                             \
            ALL(u, UNROLL) {                                                                                      \
              FN(seen_##CASE)(c, SPLAT(drive[2 * s]), z[u], o);                                                   \
              ALL(i, O) acc[f * O + i] += here[u] * o[i];                                                         \
            }                                                                                                     \
          }                                                                                                       \
          ALL(u, UNROLL) ALL(i, M + K) *(V *)(out[i] + at + u * W) = z[u][i] / scale[i];                          \
        }                                                                                                         \
        for (int i = 0; i < sums; i++)                                                                            \
          for (int l = 0; l < W; l++) total[i] += acc[i][l];                                                      \
      }                                                                                                           \
      _Pragma("omp critical") for (int i = 0; i < sums; i++) frames[i] += total[i];                               \
    }                                                                                                             \
    for (int i = 0; i < sums; i++) frames[i] /= n;                                                                \
  }

// -- pi in parts: with a fused multiply-add two are enough, the first difference is exact; without one the products n PI_i must be
#define MAGIC_F 12582912.0f
#define MAGIC_D 6755399441055744.0
static const float sin_terms_f[] = {-0.16666657082122416f, 0.0083330169362223682f, -0.00019806589198251515f};
static const float turn_terms_f[] = {3.14159265358979324f, -5.16770980823966f, 2.55006721613318f, -0.59821707220836f};
static const double sin_terms_d[] = {-0.16666666666666664544, 0.0083333333333331133943,  -0.00019841269841185761145, 2.7557319207754806224e-6,
                                     -2.5052106603818101169e-8, 1.605892769879669012e-10, -7.6427094161630554953e-13};
static const double turn_terms_d[] = {3.14159265358979324,  -5.16771278004996937,    2.55016403987727814,     -0.599264529318252611,
                                      0.082145886562744828, -0.00737043042155352396, 0.000466299433494180293, -0.0000219025882050016972};

typedef float vector_f __attribute__((vector_size(BYTES), may_alias));
typedef unsigned lanes_f __attribute__((vector_size(BYTES)));
typedef double vector_d __attribute__((vector_size(BYTES), may_alias));
typedef unsigned long long lanes_d __attribute__((vector_size(BYTES)));

static inline vector_f root_f(vector_f x) {
#if BYTES == 64
  return (vector_f)_mm512_sqrt_ps((__m512)x);
#elif BYTES == 32
  return (vector_f)_mm256_sqrt_ps((__m256)x);
#else
  for (int l = 0; l < BYTES / 4; l++) x[l] = sqrtf(x[l]);
  return x;
#endif
}

static inline vector_d root_d(vector_d x) {
#if BYTES == 64
  return (vector_d)_mm512_sqrt_pd((__m512d)x);
#elif BYTES == 32
  return (vector_d)_mm256_sqrt_pd((__m256d)x);
#else
  for (int l = 0; l < BYTES / 8; l++) x[l] = sqrt(x[l]);
  return x;
#endif
}

#define R float
#define V vector_f
#define VI lanes_f
#define W (BYTES / 4)
#define FN(x) x##_f
#define SIN_TERMS 4
#define SIN_TOP 2.5999965239553785e-6
#define TURN_TERMS 5
#define TURN_TOP 0.0775035546492007416
#define MAGIC MAGIC_F
#define ROOT root_f
#define APPROXIMATE_RSQRT(x) ((V)_mm512_rsqrt14_ps((__m512)(x)))
#define RSQRT_STEPS 1
#if defined(__FMA__) && !defined(THREE_PARTS)
#define PI_1 3.14159274101257324f
#define PI_2 -8.74227765734758577e-8
#define PI_3 0
#else
#define PI_1 3.140625
#define PI_2 0.000967502593994140625
#define PI_3 1.5099580252808664e-7
#endif
#include "kernel.h"

#undef R
#undef V
#undef VI
#undef W
#undef FN
#undef SIN_TERMS
#undef SIN_TOP
#undef TURN_TERMS
#undef TURN_TOP
#undef MAGIC
#undef ROOT
#undef APPROXIMATE_RSQRT
#undef RSQRT_STEPS
#undef PI_1
#undef PI_2
#undef PI_3

#define R double
#define V vector_d
#define VI lanes_d
#define W (BYTES / 8)
#define FN(x) x##_d
#define SIN_TERMS 8
#define SIN_TOP 2.718459897758878831e-15
#define TURN_TERMS 9
#define TURN_TOP 7.68901603409101346e-7
#define MAGIC MAGIC_D
#define ROOT root_d
#define APPROXIMATE_RSQRT(x) ((V)_mm512_rsqrt14_pd((__m512d)(x)))
#define RSQRT_STEPS 2
#if defined(__FMA__) && !defined(THREE_PARTS)
#define PI_1 3.14159265358979312
#define PI_2 1.2246467991473532e-16
#define PI_3 0
#else
#define PI_1 3.1415926534682512
#define PI_2 1.2154201012607932e-10
#define PI_3 4.0445324975919e-21
#endif
#include "kernel.h"
