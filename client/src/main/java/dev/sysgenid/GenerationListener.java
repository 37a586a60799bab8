// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid;

/** Renews something when the generation has changed. See {@link SysGenId#watch(Phase, String, GenerationListener)}. */
@FunctionalInterface
public interface GenerationListener {
    /**
     * Renews what must not exist twice. To return says "done"; to throw says "not done": the failure is logged, nothing
     * is acknowledged, and this is called again at the next change.
     *
     * <p>Each call has a thread of its own. A listener is never called while an earlier call to it still runs; changes
     * that come meanwhile are one call afterwards. It may be called when the generation is the same as before: the
     * system can also change in ways that the device does not count, and a device can be served anew.
     *
     * @param generation the generation at the time, unsigned
     * @throws Exception when it could not be done
     */
    void renew(int generation) throws Exception;
}
