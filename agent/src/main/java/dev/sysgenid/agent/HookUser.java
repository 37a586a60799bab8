// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.agent;

/** Who stands behind a hook in the JDK. */
public interface HookUser {
    /**
     * Sets the fields of the hook, before it is called for the first time. The class of the JDK that calls it is being
     * loaded, and must not be referred to.
     *
     * @throws Unsuitable when the hook is another one than expected: then nothing will call it
     */
    void takeHook(Jdk jdk, Class<?> hook) throws Unsuitable;
}
