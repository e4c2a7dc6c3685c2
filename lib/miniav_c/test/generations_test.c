/* Generations that wrap: a handle of four milliards of buffers ago names nothing, and 0 is never
 * one of them. */
#include <stdatomic.h>

#include "common/handles.h"
#include "support/fake_source.h"
#include "support/test_backends.h"

/* As if the slot had been used that often. */
static void age(struct slot_table *table, uint32_t generation) {
  for (uint32_t i = 0; i < SLOTS_PER_TABLE; i++) {
    atomic_store(&table->slots[i].word, (uint64_t)generation << 32); /* FREE, no pins */
  }
}

int main(void) {
  use_test_backends();
  struct fake_source source = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS);
  age(source.capture->lanes[LANE_MAIN].table, UINT32_MAX - 1);
  void *seen[4];
  for (uint32_t i = 0; i < 4; i++) {
    MiniAVBuffer buffer;
    fake_deliver(&source);
    if (!CHECK_EQ(MiniAV_TakeBuffer(source.handle, &buffer), MINIAV_SUCCESS)) {
      break;
    }
    seen[i] = buffer.internal_handle;
    uint64_t value = (uint64_t)(uintptr_t)seen[i];
    CHECK(handle_generation_of(value) != 0);
    CHECK(value < UINT64_C(1) << 52);
    for (uint32_t old = 0; old < i; old++) {
      CHECK(seen[old] != seen[i]);
      CHECK_EQ(MiniAV_ReleaseBuffer(seen[old]), MINIAV_ERROR_INVALID_HANDLE);
    }
    CHECK_EQ(MiniAV_ReleaseBuffer(seen[i]), MINIAV_SUCCESS);
  }
  fake_source_destroy(&source);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("generations");
}
